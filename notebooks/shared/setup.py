# %% [markdown]
# **1. Ankleboot itself.** In an environment that has it, nothing happens. In a checkout it
# is installed from there; elsewhere (Colab, say) write the repository's address into `REPOSITORY`.

# %%
import importlib.util
import subprocess
import sys
from pathlib import Path

REPOSITORY = ""  # "git+https://..." where this notebook is not in a checkout of the repository

if importlib.util.find_spec("ankleboot") is None:
    above = [Path.cwd(), *Path.cwd().parents]
    checkout = next((p.as_uri() for p in above if (p / "src/ankleboot").is_dir()), "")
    if not (address := REPOSITORY or checkout):
        raise SystemExit("Write the repository's address into REPOSITORY, and run this again.")
    # Colab has a TensorFlow already, and a second one would overwrite half of it
    extra = "" if importlib.util.find_spec("tensorflow") else "[train]"
    needs = [
        f"ankleboot{extra} @ {address}",
        "keras>=3.15,<4",
        "matplotlib",
        "opencv-python-headless",
    ]
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *needs], check=True)

from IPython import get_ipython

get_ipython().run_line_magic("matplotlib", "inline")  # figures appear below the cell
