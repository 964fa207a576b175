"""Sections of docs/performance.md about many trainings and millions of images."""

from typing import Any

from lib.tables import markdown_table


def many_trainings(study: dict[str, Any], tune: dict[str, Any]) -> list[str]:
    """Return the lines about a study here and on a cluster, and about a search that was killed."""
    rows = [
        [
            name,
            f"{place['seconds']:.0f}",
            f"{place['seconds_of_trials']:.0f}",
            f"{_overhead(place, study['at_once']):.1f}",
            f"{place['different_trials']} of {place['trials']}",
            str(place["deaths"]),
        ]
        for name, place in study["places"].items()
    ]
    same = "equal" if study["same_measures"] else "NOT equal"
    return [
        *markdown_table(
            "place|seconds|seconds of the trainings|overhead of one, s|different trainings|deaths",
            rows,
        ),
        "",
        f"{study['trials']} trainings of `ankleboot study {study['study']} --quick` on the sample, "
        f"a thread each, {study['at_once']} at once; their accuracies are {same} in all places. "
        "The cluster has two nodes of one core on the same machine. The overhead is the time of "
        "both places beside the trainings, the wait for the last ones included.",
        "",
        f"`ankleboot tune sprint --budget 30` on the sample, killed by SIGKILL after "
        f"{tune['killed_after_s']:.0f} s with {tune['trials_when_killed']} trials finished, and "
        f"repeated: {tune['different_trials']} different trials of {tune['trials']} "
        f"({', '.join(f'{number} {state}' for state, number in tune['states'].items())}).",
    ]


def _overhead(place: dict[str, Any], at_once: int) -> float:
    """Return the seconds that a training costs beside its own."""
    idle = float(place["seconds"]) * at_once - float(place["seconds_of_trials"])
    return idle / int(place["trials"])


def many_images(bulk: dict[str, Any], growth: dict[str, Any]) -> list[str]:
    """Return the lines about the growth with images and processes, and about a million of them."""
    rows = [
        [
            f"{point['images']:,}",
            str(point["processes"]),
            f"{point['seconds']:.1f}",
            f"{point['images'] / point['seconds']:,.0f}",
            f"{point['largest_mib']:,}",
        ]
        for point in growth["points"]
    ]
    peaks = " and ".join(f"{each:,}" for each in bulk["peak_images_per_second_of_one_process"])
    return [
        *markdown_table("images|processes|seconds in all|images a second|most memory, MiB", rows),
        "",
        f"{bulk['images']:,} images with {bulk['kills']} SIGKILLs in between: "
        f"{bulk['different_paths']:,} different rows after {bulk['seconds']:.0f} s, "
        f"{bulk['largest_mib']} MiB at most. One process that reads from memory and writes nothing "
        f"predicts {peaks} images a second (before and after); each of two processes reaches "
        f"{100 * bulk['share_of_peak_per_core']:.0f} % of it while it predicts, and "
        f"{100 * bulk['share_with_starts_and_kills']:.0f} % with starts, listing, lost work and "
        "joining.",
    ]
