"""Airtm Enterprise, API v2, played over the wire. Connect and Embedded are not played."""
