locals {
  nodes = jsondecode(file("${path.module}/out/manifest.json")).hosts
}

# Stands for a machine, so that this runs without an account. On AWS:
#
#   resource "aws_instance" "node" {
#     for_each                    = local.nodes
#     ami                         = data.aws_ami.flatcar.id
#     instance_type               = each.value.vars.size
#     availability_zone           = each.value.vars.zone
#     user_data                   = file("${path.module}/out/${each.value.file}")
#     user_data_replace_on_change = true
#   }
resource "terraform_data" "node" {
  for_each         = local.nodes
  input            = { size = each.value.vars.size, zone = each.value.vars.zone, user_data = file("${path.module}/out/${each.value.file}") }
  triggers_replace = each.value.sha512

  lifecycle {
    precondition {
      condition     = each.value.bytes <= 16384
      error_message = "The config of ${each.key} is larger than the user data of an instance may be."
    }
  }
}

output "hosts" {
  value = { for name, node in terraform_data.node : name => { size = node.output.size, zone = node.output.zone } }
}
