"""What all our HTML pages share: the looks and the frame (base.html), figures as SVG in them."""
