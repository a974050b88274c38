//go:build tools

// Package engine pins the Pulumi engine for machines that reach only package registries.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
