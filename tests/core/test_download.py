"""Requests with limits; most faults of servers are in tests/data/fashion_mnist/test_sources.py."""

import threading
import time
from typing import Any

import pytest
import requests

from ankleboot.core import download
from ankleboot.core.download import DownloadError


def test_an_abandoned_request_prints_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session is closed while its thread still waits, which may raise anything there."""
    uncaught: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", uncaught.append)
    monkeypatch.setattr(download, "RESPONSE_TIMEOUT_S", 0.05)

    def get(*_: object, **__: object) -> None:
        time.sleep(0.2)
        raise AttributeError("the connection is closed")

    monkeypatch.setattr(requests.Session, "get", get)
    with pytest.raises(DownloadError, match=r"no response within 0\.05 s"):
        download.download("https://name.invalid/file", 10)
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(1)
    assert not uncaught


def test_a_fault_of_the_library_is_raised_in_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(*_: object, **__: object) -> None:
        raise AttributeError("a fault")

    monkeypatch.setattr(requests.Session, "get", get)
    with pytest.raises(AttributeError, match="a fault"):
        download.download("https://name.invalid/file", 10)
