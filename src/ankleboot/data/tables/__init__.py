"""Tables of images: CSV, JSON lines, Parquet, NumPy archives, and zip archives around them.

Each module reads one kind of file and returns an `ImageListing`. Parquet needs the extra "tables".
"""
