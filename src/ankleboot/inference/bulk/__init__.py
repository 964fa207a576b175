"""Prediction of millions of images into one Parquet file, in parts that survive a kill.

plan.py lists the chunks of the input, worker.py predicts one, local.py and ray_data.py run many,
parts.py keeps what is done, and predict_bulk.py puts them together. To read a further kind of file,
add a class to chunks.py and its suffix to plan.py.
"""
