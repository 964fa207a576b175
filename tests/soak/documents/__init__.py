"""Every key of every JSON document that Ankleboot writes and reads back, times eight values."""
