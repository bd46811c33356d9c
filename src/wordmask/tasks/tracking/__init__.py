"""Objects through a video: how they are followed, found again, corrected and refined."""
