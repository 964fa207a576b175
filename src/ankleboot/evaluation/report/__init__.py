"""HTML report on a run; its template is web/templates/report.html."""
