"""HTTP for Exotel's API and for webhooks: responses bounded in time, bodies bounded in size."""
