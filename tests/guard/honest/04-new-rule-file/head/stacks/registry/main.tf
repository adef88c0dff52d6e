resource "kubernetes_manifest" "rules" {
  for_each = fileset(path.module, "*rules.yaml")
  manifest = yamldecode(file("${path.module}/${each.value}"))
}
