"""Page for the labels of images: `ankleboot label`."""
