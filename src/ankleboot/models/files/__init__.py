"""Model files: the metadata they carry, the checksums that guard them, their calibration."""
