"""Tests of the documents: reading, judging and editing post-mortems."""
