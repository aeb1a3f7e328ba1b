"""HTTP for Exotel's API and for webhooks: answers that are whole in time, bodies of bounded size."""
