variable "deployment" {
  description = "Name of the deployment; names in the network begin with it."
  type        = string
}

variable "partition" {
  description = "Partition of AWS."
  type        = string
}

variable "region" {
  description = "Region that the network is in."
  type        = string
}

variable "account" {
  description = "Account that the network is in; the endpoints serve no other."
  type        = string
}

variable "cidr" {
  description = "Addresses of the network, /16 to /20."
  type        = string
}

variable "zones" {
  description = "Availability zones, two to four of them."
  type        = list(string)
}

variable "internet_egress" {
  description = "Whether there are subnets with a way to the internet besides: for a provider of models outside of AWS. The isolated subnets have none either way."
  type        = bool
  default     = false
}

variable "model_arns" {
  description = "ARNs of what may be called through the endpoint of Bedrock, as `glideslope access bedrock` prints them; empty: there is no such endpoint."
  type        = list(string)
  default     = []
}

variable "bucket_arns" {
  description = "ARNs of the buckets that may be reached through the endpoint of S3."
  type        = list(string)
}

variable "key_arn" {
  description = "KMS key that the flow logs are encrypted with."
  type        = string
}

variable "log_days" {
  description = "Days for which flow logs are kept, one of the numbers that CloudWatch Logs knows."
  type        = number
  default     = 400
}
