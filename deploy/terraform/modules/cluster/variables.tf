variable "deployment" {
  description = "Name of the deployment, and of the cluster."
  type        = string
}

variable "partition" {
  description = "Partition of AWS."
  type        = string
}

variable "account" {
  description = "Account that the cluster is in."
  type        = string
}

variable "existing_cluster" {
  description = "Name of an EKS cluster that is there already; not given, one is made. It must have the add-on eks-pod-identity-agent, and reach the brokers."
  type        = string
  default     = null
}

variable "isolated_subnet_ids" {
  description = "Subnets without a way to the internet, of the API and of the nodes that inference runs on."
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Subnets with a way out. With any there is a second group of nodes, tainted, for what asks for it."
  type        = list(string)
  default     = []
}

variable "kubernetes_version" {
  description = "Version of Kubernetes."
  type        = string
  default     = "1.34"
}

variable "administrator_arns" {
  description = "ARNs of the roles that administer the cluster. Nobody else does, not even who made it."
  type        = set(string)
}

variable "architecture" {
  description = "Architecture of the nodes, x86_64 or arm64: the one that the images were built for. Released images are for x86_64; Graviton needs images that you build for it."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "Nodes are x86_64 or arm64."
  }
}

variable "instance_types" {
  description = "Instance types of the nodes, of that architecture; not given, m7i.large or m7g.large."
  type        = list(string)
  default     = null

  validation {
    # AWS names Graviton by a g after the generation: m7g, c6gn, and x86 never so
    condition = alltrue([
      for type in coalesce(var.instance_types, []) : can(regex("^[a-z]+[0-9]+g", type)) == (var.architecture == "arm64")
    ])
    error_message = "An instance type has another architecture than the nodes: m7i.large is x86_64, m7g.large arm64."
  }
}

variable "nodes" {
  description = "Nodes of each group at the least."
  type        = number
  default     = 3
}

variable "most_nodes" {
  description = "Nodes of each group at the most."
  type        = number
  default     = 12
}

variable "key_arn" {
  description = "KMS key that Kubernetes secrets and volumes are encrypted with."
  type        = string
}

variable "log_key_arn" {
  description = "KMS key that the control plane's logs are encrypted with."
  type        = string
}

variable "log_days" {
  description = "Days for which the control plane's logs are kept."
  type        = number
  default     = 400
}
