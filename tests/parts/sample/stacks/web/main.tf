terraform {
  backend "local" {}
}

# A new image means new pods: whatever is in triggers_replace destroys and makes anew.
resource "terraform_data" "frontend" {
  input = {
    replicas        = 2
    timeout_seconds = 30
  }
  triggers_replace = ["registry.example.invalid/frontend:1.4.2"]
}
