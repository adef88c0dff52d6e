locals {
  domain = "example.org"
  monitors = {
    wiki   = { url = "https://wiki.${local.domain}/healthz", interval = 60 }
    # The outage of the registry was found by a person.
    registry = { url = "https://registry.${local.domain}/v2/", interval = 30 }
    status = { url = "https://status.${local.domain}/", interval = 60 }
  }
}

resource "uptimekuma_monitor_http" "this" {
  for_each = local.monitors
  name     = each.key
  url      = each.value.url
  interval = each.value.interval
}
