"""HTTP API and web page over a pool of worker processes: `ankleboot serve`.

It imports every package above it except training, export and studies.
To add a route, write a function in `routes.py`, list it in `ROUTES`, describe it in `schemas.py`.
To add a limit, add a field to `ServerConfig` in `config.py` and a row to docs/deploy.md.
"""
