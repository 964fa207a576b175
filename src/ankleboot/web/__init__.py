"""HTML, JavaScript and CSS of every page, and the template renderer.

Imports core. To add a page, add a folder beside `server_page`; what two pages share belongs in
`shared`. Pages load nothing from other hosts and need no build step.
"""
