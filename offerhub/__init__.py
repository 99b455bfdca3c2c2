"""OfferHub: a self-hosted payments appliance for marketplaces."""
