"""How Sphinx builds the site from what build_site.py has put together."""

import ankleboot

project = "Ankleboot"
copyright = "Ankleboot's authors; MIT licence"
release = version = ankleboot.__version__

extensions = ["myst_parser"]
highlight_language = "text"  # what has no language is output
myst_heading_anchors = 3  # links may lead to headings
html_theme = "furo"
html_title = "Ankleboot"
html_static_path = ["site_style"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_favicon = "../src/ankleboot/web/shared/icon.svg"
html_extra_path = ["extra"]  # of the folder that is built, see build_site.py
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#9a4b1f",
        "color-brand-content": "#9a4b1f",
        "color-background-primary": "#fdfcfa",
        "color-background-secondary": "#f6f4f0",
    },
    "dark_css_variables": {"color-brand-primary": "#e08a53", "color-brand-content": "#e08a53"},
}
