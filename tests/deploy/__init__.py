"""What is deployed and handed over: containers, cluster, DevVM, pipeline, scripts, skills, example configuration."""
