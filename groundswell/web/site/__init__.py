"""The web application: pages for reps, managers, analysts and admins."""

from groundswell.web.site.answering import lost_endpoint
from groundswell.web.site.routes import ROUTES, site_routes
from groundswell.web.site.visit import Site

__all__ = ["ROUTES", "Site", "lost_endpoint", "site_routes"]
