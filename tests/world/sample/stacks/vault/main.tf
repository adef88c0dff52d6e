terraform {
  backend "local" {}
}

resource "terraform_data" "audit" {
  input = {
    device         = "file"
    retention_days = 30
  }
}
