"""Other programs that hand a config over and take the Ignition config: Terraform, Ansible, Terraform's `external` protocol."""
