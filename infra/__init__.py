"""Deployment files: `prefect.yaml`, which `flows/deployments.py` registers, and the DeepSpeed configurations."""
