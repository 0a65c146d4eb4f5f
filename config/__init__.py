"""What varies between deployments: settings, outlets, codebook. Imports nothing of ours."""
