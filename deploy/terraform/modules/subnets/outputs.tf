output "isolated" {
  description = "Addresses of the subnet without a way to the internet, by zone."
  value       = local.isolated
}

output "private" {
  description = "Addresses of the subnet whose way to the internet is a NAT gateway, by zone; none without egress."
  value       = var.internet_egress ? local.private : {}
}

output "public" {
  description = "Addresses of the subnet of the NAT gateway, by zone; none without egress."
  value       = var.internet_egress ? local.public : {}
}
