"""HubSpot: values on companies, and contacts, deals, tasks and notes that hang on them."""

from groundswell.connectors.hubspot.destination import DESTINATION, HubSpot
from groundswell.connectors.hubspot.settings import HubSpotSettings

__all__ = ["DESTINATION", "HubSpot", "HubSpotSettings"]
