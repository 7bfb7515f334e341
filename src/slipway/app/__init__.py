"""compose.yaml + deploy.yaml + an environment's name -> `App`: desired state, as frozen data."""
