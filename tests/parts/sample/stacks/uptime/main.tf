terraform {
  backend "local" {}
}

# Stands for the monitors of the uptime checker, one for each entry of the inventory.
resource "terraform_data" "monitor" {
  for_each = { for monitor in yamldecode(file("${path.module}/monitors.yaml")) : monitor.name => monitor }
  input    = each.value
}
