"""Training, calibration, benchmark; only here is torch imported."""
