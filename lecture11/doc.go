// Package lecture11 holds the models of Lecture 11 (Kohonen maps, autoencoders, transfer and multi-task learning,
// generative adversarial networks) as computation graphs on GoMLX. A file is named after its slide's topic.
//
// # Notation
//
// As on the slides: x is an object of n components, l the number of objects, z a code of d components; α are the weights
// of an encoder, β those of a decoder (and, in [VAEConfig], the weight of the KL term, as the literature has it);
// q_α(z|x) the encoder's distribution, p_β(x|z) the decoder's, p(z) = N(0, s²I) the prior; ln is the natural logarithm
// and all information is in nats. Losses are summed over the components of an object and averaged over objects.
//
// # Where a slide is
//
//	slide                              file                                      notebook
//	12 Variational auto encoder        vae.go, vae_bound.go, linear_gaussian.go  12_vae.ipynb
//	13 (continued): two braces         likelihood.go                             12_vae.ipynb
//	13 (continued): the trick, SGD     reparameterization.go, fit.go             12_vae.ipynb
//	13 (continued): similar objects    vae_use.go, latent.go                     12_vae.ipynb
//
// # How it is built
//
// A function with *Node in its signature builds a graph and panics on wrong shapes; every other exported function returns
// an error that names the field or the argument, its value and what is wanted. Randomness comes from seeds or is an
// argument. A model does not know who calls it: [Training] reports by a function value, stops at a step boundary when its
// context ends, and is saved and restored in parts. The sets themselves are in package lecture11/data.
package lecture11
