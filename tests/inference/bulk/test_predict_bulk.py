"""Results equal those of `predict`, whatever is killed in between."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

import ankleboot
from ankleboot.core.errors import EnvironmentFailure, ModelError, UsageError
from ankleboot.inference.bulk import plan as plan_module
from ankleboot.inference.bulk.chunks import FileChunk
from ankleboot.inference.bulk.local import LocalPool
from ankleboot.inference.bulk.parts import PartsFolder
from ankleboot.inference.bulk.plan import Plan, find_chunks
from ankleboot.inference.bulk.predict_bulk import predict_bulk
from ankleboot.inference.bulk.table import result_schema
from ankleboot.inference.bulk.worker import PredictionSettings, predict_chunk
from ankleboot.inference.decide import Prediction
from helpers.shards import png_images, write_tar

NUM = 60


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "CHUNK_FILES", 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images as files, a damaged one among them."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, content in enumerate(png_images(NUM)):
        (folder / f"{number:03}.png").write_bytes(content)
    (folder / "007.png").write_bytes(b"no image")
    return folder


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return found


def test_rows_are_those_of_predict(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "results.parquet"
    lines: list[str] = []
    result = ankleboot.predict_bulk(folder, output, parallel=1, log=lines.append)
    expected = ankleboot.predict(sorted(folder.iterdir()))
    found = rows(output)
    assert len(found) == NUM == result.num_images
    for row, prediction in zip(found, expected, strict=True):
        assert row["path"] == prediction.path
        if isinstance(prediction, Prediction):
            assert (row["label"], row["index"]) == (prediction.label, prediction.index)
            assert (row["abstained"], row["reason"]) == (prediction.abstained, prediction.reason)
            assert row["confidence"] == pytest.approx(prediction.confidence, abs=1e-6)
            for label, prob in prediction.probs.items():
                assert row[label] == pytest.approx(prob, abs=1e-6)
        else:
            assert row["error"] == prediction.error and row["label"] is None
    assert result.num_failed == 1
    assert sum(result.counts.values()) + result.num_unsure == NUM - 1
    assert lines[0] == "0 of 60 images, on this machine, 1 process"
    assert not output.with_name("results.parquet.parts").exists()
    with pytest.raises(UsageError, match=r"results\.parquet exists"):
        predict_bulk(folder, output)


def test_a_stopped_job_continues_and_another_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, parts = tmp_path / "r.parquet", tmp_path / "r.parquet.parts"
    run = LocalPool.run

    def stopped(self: LocalPool, plan: Plan, todo: Any) -> Any:
        iterator = run(self, plan, todo)
        yield next(iterator)
        iterator.close()
        raise EnvironmentFailure("stopped by the test")

    monkeypatch.setattr(LocalPool, "run", stopped)
    with pytest.raises(EnvironmentFailure, match="stopped by the test"):
        predict_bulk(folder, output, parallel=1)
    (part,) = parts.glob("*.parquet")
    num_done = len(rows(part))
    assert 0 < num_done < NUM and not output.exists()
    with pytest.raises(UsageError, match="abstain_below was None and is 0.5"):
        predict_bulk(folder, output, abstain_below=0.5)
    monkeypatch.undo()
    monkeypatch.setattr(plan_module, "CHUNK_FILES", 20)
    lines: list[str] = []
    predict_bulk(folder, output, parallel=1, log=lines.append)
    assert lines[0].startswith(f"{num_done} of 60 images")
    assert [row["path"] for row in rows(output)] == [str(path) for path in sorted(folder.iterdir())]


def test_parts_of_other_images_are_kept_and_not_in_the_result(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip in the input loses nothing: with the right one the parts fit again."""
    output, parts = tmp_path / "r.parquet", tmp_path / "r.parquet.parts"
    finish = PartsFolder.finish
    monkeypatch.setattr(PartsFolder, "finish", _die)
    with pytest.raises(KeyboardInterrupt):
        predict_bulk(folder, output, parallel=1)
    kept = {path.name for path in parts.glob("*.parquet")}
    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        predict_bulk(folder / "001.png", output, parallel=1, log=lines.append)
    assert lines[0] == f"the input has changed: {len(kept)} of {len(kept)} parts do not fit"
    assert {path.name for path in parts.glob("*.parquet")} > kept
    monkeypatch.setattr(PartsFolder, "finish", finish)
    monkeypatch.setattr(LocalPool, "run", _die)
    predict_bulk(folder, output, parallel=1)
    assert [row["path"] for row in rows(output)] == [str(path) for path in sorted(folder.iterdir())]


def _die(*_: Any) -> Any:
    raise KeyboardInterrupt


def test_a_kill_between_the_result_and_its_clean_up_is_healed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, parts = tmp_path / "r.parquet", tmp_path / "r.parquet.parts"
    with monkeypatch.context() as patch:
        patch.setattr(PartsFolder, "_clear", lambda _: None)
        first = predict_bulk(folder, output, parallel=1)
    assert parts.exists()
    with pytest.raises(UsageError, match=r"r\.parquet exists"):
        predict_bulk(folder / "001.png", output)
    again = predict_bulk(folder, output)
    assert not parts.exists()
    assert (again.counts, again.num_failed) == (first.counts, first.num_failed)


def test_a_part_that_once_fails_to_go_is_removed_all_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink, failed = Path.unlink, list[Path]()

    def fails_once(path: Path, missing_ok: bool = False) -> None:
        if path.name == "job.json" and not failed:
            failed.append(path)
            raise OSError(5, "Input/output error")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", fails_once)
    predict_bulk(folder, tmp_path / "r.parquet", parallel=1)
    assert failed and not (tmp_path / "r.parquet.parts").exists()


def test_results_and_parts_are_no_input(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output may lie in the folder of the images, also of a job that was stopped."""
    with monkeypatch.context() as patch:
        patch.setattr(PartsFolder, "finish", _die)
        with pytest.raises(KeyboardInterrupt):
            predict_bulk(folder, folder / "a.parquet", parallel=1)
    predict_bulk(folder, folder / "a.parquet", parallel=1)
    lines: list[str] = []
    second = predict_bulk(folder, folder / "b.parquet", parallel=1, log=lines.append)
    assert second.num_images == NUM
    assert lines[0] == f"{folder}/a.parquet: the result of a prediction, left out"


def test_refused_input_leaves_no_folder(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.parquet"
    with pytest.raises(UsageError, match="no such file or folder"):
        predict_bulk(tmp_path / "gone", output)
    assert not output.with_name("r.parquet.parts").exists()
    predict_bulk(folder / "001.png", output, abstain_below=0.5, parallel=1)


def test_another_model_under_the_same_name_is_noticed() -> None:
    settings = PredictionSettings("pretrained", fingerprint="0" * 64)
    with pytest.raises(EnvironmentFailure, match="not the model with which the command began"):
        settings.load()


def test_a_fault_of_the_system_ends_the_job_and_is_no_row(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise EnvironmentFailure(f"cannot read {path}: Input/output error")

    chunk = FileChunk((str(folder / "001.png"),))
    monkeypatch.setattr("ankleboot.inference.predict.decode", refused)
    with pytest.raises(EnvironmentFailure, match="001.png: cannot read: Input/output error"):
        predict_chunk(PredictionSettings("pretrained"), chunk)
    monkeypatch.undo()
    assert predict_chunk(PredictionSettings("pretrained"), chunk)


def test_a_class_with_the_name_of_a_column_is_refused() -> None:
    with pytest.raises(UsageError, match="a class called 'error'"):
        result_schema(["a", "error"], {})


def test_a_script_needs_no_guard(folder: Path, tmp_path: Path) -> None:
    """Children do not run the caller's script again."""
    script = tmp_path / "script.py"
    script.write_text(
        "import ankleboot\n"
        f"print(ankleboot.predict_bulk({str(folder)!r}, 'r.parquet', parallel=1).num_images)\n"
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("60\n", "")


def test_two_processes_do_not_work_on_one_result(folder: Path, tmp_path: Path) -> None:
    from ankleboot.core.files import exclusive_folder

    parts = tmp_path / "r.parquet.parts"
    parts.mkdir()
    with exclusive_folder(parts), pytest.raises(EnvironmentFailure, match="another process"):
        predict_bulk(folder, tmp_path / "r.parquet")


def test_wrong_arguments_are_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected the name of a \.parquet file"):
        predict_bulk(folder, tmp_path / "r.csv")
    with pytest.raises(ModelError, match="no such model"):
        predict_bulk(folder, tmp_path / "r.parquet", tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no images in the input"):
        predict_bulk(tmp_path / "empty", tmp_path / "r.parquet")
    with pytest.raises(UsageError, match="expected local, ray"):
        predict_bulk(folder, tmp_path / "r.parquet", on="mars")


def test_a_process_that_dies_is_replaced_and_one_part_that_kills_ends_the_job(
    folder: Path, tmp_path: Path
) -> None:
    plan = Plan(tmp_path / "plan.jsonl", find_chunks([str(folder)], (), print))
    pool = LocalPool(PredictionSettings("pretrained"), 1)
    done, killed = [], False
    iterator = pool.run(plan, plan)
    for planned, _ in iterator:
        done.append(planned.number)
        if not killed:
            killed = True
            ((child, _),) = pool._busy.values()
            child.process.kill()
    assert sorted(done) == list(range(len(list(plan))))

    pool = LocalPool(PredictionSettings("pretrained"), 1)
    send = pool._send

    def send_and_kill(plan: Plan, planned: Any) -> None:
        send(plan, planned)
        for child, _ in pool._busy.values():
            child.process.kill()

    pool._send = send_and_kill  # type: ignore[method-assign]
    with pytest.raises(
        EnvironmentFailure, match=r"images from .*000\.png on: their process died 3 times"
    ):
        list(pool.run(plan, plan))


@pytest.mark.parametrize("where", ["plan", "images"])
def test_a_disk_that_fails_ends_the_job_with_its_reason(
    where: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job waited for ever for a process without a task, or blamed a lack of memory."""
    shard = write_tar(tmp_path / "s.tar", {"0.png": (folder / "000.png").read_bytes()})
    plan = Plan(tmp_path / "plan.jsonl", find_chunks([str(shard)], (), print))
    if where == "plan":
        monkeypatch.setattr(Plan, "line", _fails)
    else:
        shard.unlink()
    pool = LocalPool(PredictionSettings("pretrained"), 1)
    with pytest.raises((EnvironmentFailure, OSError), match=r"Input/output error|s\.tar"):
        list(pool.run(plan, plan))


def _fails(*_: Any) -> Any:
    raise OSError(5, "Input/output error")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_sigkill_leaves_no_process_and_the_same_command_continues(tmp_path: Path) -> None:
    shard = write_tar(
        tmp_path / "s.tar", {f"{n:05}.png": data for n, data in enumerate(png_images(6000))}
    )
    output, parts = tmp_path / "r.parquet", tmp_path / "r.parquet.parts"
    command = [
        sys.executable, "-m", "ankleboot", "predict", str(shard),
        "--output", str(output), "--parallel", "2",
    ]  # fmt: skip
    for wanted in (1, 3):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            while len(list(parts.glob("*.parquet"))) < wanted:
                assert process.poll() is None
                time.sleep(0.01)
            children = _children(process.pid)
            process.kill()
        deadline = time.monotonic() + 20
        while any(map(_is_alive, children)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert children and not any(map(_is_alive, children))
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(finished.stderr.split(" of ")[0].replace(",", "")) >= 3 * 1024
    assert [row["path"] for row in rows(output)] == [f"{shard}/{n:05}.png" for n in range(6000)]


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_keeps_the_parts(tmp_path: Path) -> None:
    members = {f"{n}.png": data for n, data in enumerate(png_images(8000))}
    shard = write_tar(tmp_path / "s.tar", members)
    parts = tmp_path / "r.parquet.parts"
    command = [sys.executable, "-m", "ankleboot", "predict", str(shard)]
    command += ["--output", str(tmp_path / "r.parquet"), "--parallel", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not list(parts.glob("*.parquet")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "error: stopped; the same command continues"
    assert list(parts.glob("*.parquet")) and not (tmp_path / "r.parquet").exists()
