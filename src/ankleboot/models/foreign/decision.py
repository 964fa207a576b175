"""Decision for one of the conventions that were tried, or the question that is left.

Three facts decide, all measured image by image on training images: how many are right, the
cross-entropy, and the cross-entropy after the best temperature. A network that learned
probabilities has a temperature of about 1 on its training images in its own convention alone. In
any other it is too sure or too unsure, so a temperature lowers its loss by much. A model that was
trained another way (squared error, hinge, raw pixels for an epoch) has no such convention: only
accuracy counts for it.
"""

from collections.abc import Callable, Mapping, Sequence

from ankleboot.core.errors import UsageError
from ankleboot.core.types import Images, Labels
from ankleboot.models.foreign.candidates import Signature
from ankleboot.models.foreign.convention import Convention
from ankleboot.models.foreign.examine import Predict, Trial, try_candidates, z_of
from ankleboot.models.foreign.scalings import COMMON

MIN_SKILL = 0.4  # accuracy above chance, 1 is perfect; a weaker model fits many conventions
MIN_LEAD, MIN_LEAD_Z = 0.01, 3.0  # of accuracy, as a fraction and in standard deviations
FAR = 0.03  # lead in accuracy that needs no support by the cross-entropy ...
VERY_FAR = 0.1  # ... and that may even contradict it
MIN_LOSS_Z = 4.0  # of the lead in cross-entropy, where the accuracies are nearly equal ...
MAX_BEHIND_Z = 2.0  # ... and the accuracy does not speak against it
MAX_MISFIT = 0.1  # nats that a temperature takes from the loss of a model of probabilities
OPEN = 0.05  # of accuracy behind the best one, up to which a candidate is tried on more images
SAME_NATS = 1e-3  # between fitted losses of two scales of the same logits
NUM_NAMED = 4  # candidates in a message

NUM_DIAGNOSED = 500  # images on which a reason is looked for where nothing fits
CHANGES: dict[str, Callable[[Images], Images]] = {
    "inverted (255 minus each pixel)": lambda images: 255 - images,
    "transposed (rows and columns exchanged)": lambda images: images.swapaxes(1, 2),
}
"""Changes of images that no convention can undo; they are named, not adopted."""


def find_convention(
    predict: Predict,
    signature: Signature,
    conventions: Sequence[Convention],
    images: Images,
    labels: Labels,
    order: tuple[int, ...] | None,
    *,
    num_first: int,
    is_named: bool,
) -> tuple[Trial, list[Trial]]:
    """Try all conventions on the first images, those that remain open on all of them.

    Args:
        predict: The model.
        signature: Its input and outputs.
        conventions: Candidates.
        images: Images in random order.
        labels: Their labels.
        order: Output of each label, where the user named it; None to find it.
        num_first: Number of images of the first round.
        is_named: Whether the user named the input and the labels, so that nothing is guessed.

    Returns:
        The decision, and all trials, those on the most images first.

    Raises:
        UsageError: If none fits, or several fit; the message asks for the option.
    """

    def tried(kept: Sequence[Convention], num: int) -> list[Trial]:
        return try_candidates(predict, signature, kept, images[:num], labels[:num], order)

    trials = tried(conventions, num_first)
    if is_named:
        return trials[0], trials
    if _skill(trials[0]) < MIN_SKILL:
        first, few = images[:NUM_DIAGNOSED], labels[:NUM_DIAGNOSED]
        changed = {
            name: try_candidates(predict, signature, conventions, change(first), few, order)[0]
            for name, change in CHANGES.items()
        }
        raise UsageError(_no_fit(trials, changed))
    chosen, rest = winner(trials), []
    if chosen is None and len(images) > num_first:
        rest = [trial for trial in trials if trials[0].best - trial.best > OPEN]
        again = [trial.convention for trial in trials if trial not in rest]
        trials = tried(again, len(images))
        chosen = winner(trials)
    if chosen is None:
        raise UsageError(_undecided(trials))
    _check_order(chosen, labels[: len(chosen.is_correct)])
    return chosen, [*trials, *rest]


def winner(trials: Sequence[Trial]) -> Trial | None:
    """Return the candidate that is ahead of every other; None if none is."""
    for trial in trials:
        if all(other is trial or _is_ahead(trial, other) for other in trials):
            return trial
    return None


def _is_ahead(first: Trial, second: Trial) -> bool:
    """Check if the first is clearly the better convention of two."""
    lead = first.best - second.best
    lead_z = z_of(first.is_correct.astype(float) - second.is_correct)
    is_more_accurate = lead >= MIN_LEAD and lead_z >= MIN_LEAD_Z
    is_usual, other_is_usual = _misfit(first) <= MAX_MISFIT, _misfit(second) <= MAX_MISFIT
    if is_more_accurate and lead >= (FAR if is_usual or not other_is_usual else VERY_FAR):
        return True
    if not is_usual:
        return False  # its cross-entropy means nothing
    if float((first.fitted - second.fitted).mean()) > SAME_NATS:
        return False  # the second one tells more about the labels
    loss_z = z_of(second.losses - first.losses)
    if _is_common(first) and not _is_common(second) and lead >= 0 and loss_z > 0:
        return True  # ahead of a rare one in all three
    return is_more_accurate or (loss_z >= MIN_LOSS_Z and lead_z > -MAX_BEHIND_Z)


def _is_common(trial: Trial) -> bool:
    return trial.convention.scaling in COMMON


def _misfit(trial: Trial) -> float:
    return trial.loss - float(trial.fitted.mean())


def _skill(trial: Trial) -> float:
    chance = 1 / len(trial.order)
    return (trial.best - chance) / (1 - chance)


def _no_fit(trials: Sequence[Trial], changed: Mapping[str, Trial]) -> str:
    names = ", ".join(dict.fromkeys(trial.convention.scaling for trial in trials))
    message = (
        f"no convention fits these images: the best of {names} is right on "
        f"{100 * trials[0].best:.0f} % of {len(trials[0].is_correct):,}; "
    )
    for name, trial in changed.items():
        if _skill(trial) >= MIN_SKILL:
            return (
                f"{message}on images that are {name} it is right on {100 * trial.best:.0f} %: put "
                "that into the model, as its first layers, and adopt it again"
            )
    return (
        f"{message}name the data that the model learned with --data, or both --input and "
        "--labels; if its images were prepared in another way, put that into the model"
    )


def _undecided(trials: Sequence[Trial]) -> str:
    near = [trial for trial in trials if not _is_ahead(trials[0], trial)]
    named = [_describe(trial) for trial in near[:NUM_NAMED]]
    more = f" and {len(near) - NUM_NAMED} more" if len(near) > NUM_NAMED else ""
    return (
        f"the inputs {', '.join(named)}{more} cannot be distinguished on "
        f"{len(trials[0].is_correct):,} images; name the right one with --input"
    )


def _describe(trial: Trial) -> str:
    fit = "" if trial.convention.fit == "same" else f" {trial.convention.fit}"
    return f"{trial.convention.scaling}{fit} ({100 * trial.best:.1f} %)"


def _check_order(chosen: Trial, labels: Labels) -> None:
    """Check that each class with another output is right more often with it than with its own.

    Raises:
        UsageError: If one is not; the message asks for the labels.
    """
    for label, output in enumerate(chosen.order):
        rows = labels == label
        if label != output and chosen.is_correct[rows].sum() <= chosen.in_place[rows].sum():
            raise UsageError(
                f"the class order is unclear: outputs fit the labels in another order on "
                f"{100 * chosen.best:.0f} % of the images, in their own on "
                f"{100 * chosen.accuracy:.0f} %; name the labels in the order of the outputs with "
                "--labels"
            )
