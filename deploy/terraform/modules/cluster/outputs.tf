output "name" {
  description = "Name of the cluster."
  value       = local.name
}

output "node_security_group_id" {
  description = "Security group of the nodes, and so of the pods on them."
  value       = local.nodes
}
