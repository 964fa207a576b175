"""The promises in the order of their lines."""

from soak.concurrency import CONCURRENCY
from soak.crash import check as crash
from soak.documents.check import DOCUMENTS
from soak.environments import ENVIRONMENTS
from soak.faults import check as faults
from soak.fuzz.guided import GUIDED
from soak.fuzz.promise import FUZZ
from soak.hostile_models import HOSTILE
from soak.kills import check as kills
from soak.promise import Promise
from soak.races import check as races
from soak.requests import REQUESTS

PROMISES: tuple[Promise, ...] = (
    Promise(
        "faults",
        "calls of files that failed once, under light commands",
        faults.check_light,
        weight=12,
        goal=300,
        short_goal=10,
        needs_compiler=True,
    ),
    Promise(
        "training-faults",
        "calls of files that failed once, under commands with TensorFlow",
        faults.check_heavy,
        weight=12,
        goal=20,
        needs_compiler=True,
    ),
    Promise(
        "crash",
        "states after a power cut loaded, and, while there is time, resumed with the same bits",
        crash.check,
        weight=10,
        goal=1_000,
        short_goal=100,
        needs_compiler=True,
    ),
    Promise(
        "kills",
        "light commands killed and continued",
        kills.check_light,
        weight=3,
        goal=60,
        short_goal=5,
        needs_compiler=True,
    ),
    Promise(
        "training-kills",
        "trainings killed and continued with the same bits, exports with whole files",
        kills.check_heavy,
        weight=10,
        goal=14,
        needs_compiler=True,
    ),
    Promise(
        "races",
        "orders of two to eight processes at one file, nothing lost or mixed",
        races.check,
        weight=3,
        goal=40,
        short_goal=4,
        needs_compiler=True,
    ),
    FUZZ,
    GUIDED,
    DOCUMENTS,
    HOSTILE,
    REQUESTS,
    ENVIRONMENTS,
    CONCURRENCY,
)
