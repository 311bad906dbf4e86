terraform {
  required_providers {
    butane = {
      source = "terraform.local/butane/butane"
    }
  }
}

locals {
  nodes = {
    web1 = { role = "web" }
    web2 = { role = "web" }
    db1  = { role = "db" }
  }
}

data "butane_config" "node" {
  for_each = local.nodes
  content  = file("${path.module}/node.bu")
  vars     = { hostname = each.key, role = each.value.role }
  strict   = true
  for      = "aws"
}

# Stands for a machine, so that this runs without an account. On AWS:
#
#   resource "aws_instance" "node" {
#     for_each                    = local.nodes
#     ami                         = data.aws_ami.flatcar.id
#     instance_type               = "t3.small"
#     user_data                   = data.butane_config.node[each.key].user_data
#     user_data_replace_on_change = true
#   }
resource "terraform_data" "node" {
  for_each         = local.nodes
  input            = data.butane_config.node[each.key].user_data
  triggers_replace = data.butane_config.node[each.key].user_data
}

variable "token" {
  type      = string
  sensitive = true
}

# What is made of secret_vars is shown nowhere. Terraform's state has it all the same: whoever may read the state knows it.
data "butane_sensitive_config" "keeper" {
  content     = file("${path.module}/token.bu")
  secret_vars = { token = var.token }
}

resource "terraform_data" "keeper" {
  input = data.butane_sensitive_config.keeper.rendered
}
