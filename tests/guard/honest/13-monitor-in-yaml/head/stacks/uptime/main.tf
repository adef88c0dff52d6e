locals {
  monitors = { for m in yamldecode(file("${path.module}/monitors.yaml")).monitors : m.name => m }
}

resource "uptimekuma_monitor" "this" {
  for_each = local.monitors
  name     = each.key
  type     = each.value.type
  url      = try(each.value.url, null)
  interval = each.value.interval
}
