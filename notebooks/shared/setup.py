# %% [markdown]
# **1. Ankleboot itself.** Where it is installed, nothing happens. Elsewhere, on Colab for example,
# this cell installs it: from `REPOSITORY`, from the checkout around this notebook, or the release.

# %%
import importlib.util
import subprocess
import sys
from pathlib import Path

REPOSITORY = ""  # "git+https://..." for the state of a repository

if importlib.util.find_spec("ankleboot") is None:
    above = [Path.cwd(), *Path.cwd().parents]
    checkout = next((p.as_uri() for p in above if (p / "src/ankleboot").is_dir()), "")
    # Colab has a TensorFlow already, and a second one would overwrite half of it
    extra = "" if importlib.util.find_spec("tensorflow") else "[train]"
    address = REPOSITORY or checkout
    needs = [
        f"ankleboot{extra} @ {address}" if address else f"ankleboot{extra}",
        "keras>=3.15,<4",
        "matplotlib",
        "opencv-python-headless",
    ]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *needs]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(
            "pip cannot install ankleboot. Write an address into REPOSITORY, and try again."
        )

from IPython import get_ipython

get_ipython().run_line_magic("matplotlib", "inline")  # figures appear below the cell
