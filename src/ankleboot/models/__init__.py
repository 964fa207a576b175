"""Networks, model files, run folders and shipped weights.

Imports core and recipes. To add an architecture, add a file with `build(recipe, policy,
num_classes)` and one line to `core/plugins.py`. Backbones are in `backbones`, file formats in
`files`, shipped weights in `pretrained`.
"""
