# What each container may use; the figures are the highest of the last month and a quarter.
locals {
  limits = {
    wiki  = "1Gi"
    cache = format("%dMi", 64 * 2)
  }
}
