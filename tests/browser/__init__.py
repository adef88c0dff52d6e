"""The dashboard as people use it: a real Chromium on a real service, with the scripted model."""
