"""`terraform-provider-butane`: a provider for Terraform and OpenTofu (extra `terraform-provider`). docs/integrations.md describes it."""
