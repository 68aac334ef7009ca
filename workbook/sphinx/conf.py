"""Sphinx's settings for the site: `python3 -m workbook site` builds it."""

project = "Flask-Login Workbook"
author = "the authors of the workbook"
extensions = ["myst_nb"]
exclude_patterns = ["README.md"]  # index.md is the same, with the contents

highlight_language = "text"
html_theme = "furo"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_scaled_image_link = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

# The notebooks are shown as they were executed, and load no script from elsewhere.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
myst_heading_anchors = 3
myst_enable_extensions = []
myst_links_external_new_tab = False
suppress_warnings = [
    "mystnb.unknown_mime_type",
    "myst.xref_missing",  # headings of other pages, which the link check looks at
    "misc.highlighting_failure",
]
