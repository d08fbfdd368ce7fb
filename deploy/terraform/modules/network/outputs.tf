output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Addresses of the network."
  value       = var.cidr
}

output "isolated_cidrs" {
  description = "Addresses of the isolated subnets: of nodes, brokers, database, and the endpoints of AWS services but S3."
  value       = [for subnet in aws_subnet.isolated : subnet.cidr_block]
}

output "s3_cidrs" {
  description = "Addresses of S3 in the region, which its gateway endpoint leads to: they are S3's own, none of the network's."
  value       = aws_vpc_endpoint.s3.cidr_blocks
}

output "isolated_subnet_ids" {
  description = "Subnets without a way to the internet: of the brokers, the database, and the nodes that inference runs on."
  value       = [for subnet in aws_subnet.isolated : subnet.id]
}

output "private_subnet_ids" {
  description = "Subnets with a way out through a NAT gateway; none without egress."
  value       = [for subnet in aws_subnet.private : subnet.id]
}
