"""The world around the service, on loopback: real parts where they run here, and the few fakes (see CONTRIBUTING)."""
