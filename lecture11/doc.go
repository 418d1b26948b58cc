// Package lecture11 holds the models of Lecture 11 as computation graphs on GoMLX: Kohonen maps, autoencoders,
// transfer and multi-task learning, and generative adversarial networks. A file is named after its slide's topic.
//
// # Notation
//
// The symbols are those of the slides. x is an object of n components, l is the number of objects, and z is a code of
// d components. α are the weights of an encoder and β those of a decoder; in [VAEConfig], Beta is the weight of the KL
// term, as in the literature. q_α(z|x) is the encoder's distribution, p_β(x|z) the decoder's, and p(z) = N(0, s²I) the
// prior. ln is the natural logarithm, and all information is in nats. Losses are summed over the components of an
// object and averaged over objects.
//
// # Slides, files and notebooks
//
//	slide                              file                                      notebook
//	1 Five-minutes block               attention.go, package lecture11/quiz      01_five_minutes.ipynb
//	2 Clustering problem               clustering.go, clustering_lloyd.go        02_clustering.ipynb
//	3 Kohonen network, two layers      clustering.go, kohonen_step.go            02_clustering.ipynb
//	4 Stochastic gradient descent      kohonen.go, clustering_start.go           02_clustering.ipynb
//	5 Hard and soft competition        competition.go, kohonen_step.go           05_competition.ipynb
//	6 Kohonen map, second metric       som_grid.go, som_neighbourhood.go         06_som.ipynb
//	7 Kohonen map training             som.go, som_fit.go, som_online.go         06_som.ipynb
//	7 (checks): QE, TE, control        som_quality.go                            06_som.ipynb
//	7 (checks): product, trust, twist  som_topology.go, som_trust.go             06_som.ipynb, 08_reading_maps.ipynb
//	7 (checks): what it minimises      som_energy.go                             06_som.ipynb
//	8 U-matrix                         som_umatrix.go                            08_reading_maps.ipynb
//	8 hits, classes, planes, paths     som_read.go, som_align.go, som_advise.go  08_reading_maps.ipynb
//	8 what is new to a map             som_novelty.go, som_nearest.go            08_reading_maps.ipynb
//	9 Autoencoders, 9a uses            autoencoder.go, autoencoder_use.go        09_autoencoders.ipynb
//	9 (checks): codes, neighbours      autoencoder_read.go                       09_autoencoders.ipynb
//	3, 7, 9 A map as a code book       vq_vae.go, vq_vae_book.go, vq_vae_use.go
//	9b Linear autoencoder and PCA      pca.go, pca_compare.go                    09_autoencoders.ipynb
//	9c Sparse autoencoder              autoencoder_loss.go                       09_autoencoders.ipynb
//	10 2D font manifold demonstration  font_manifold.go, package data/glyphs     10_font_plane.ipynb
//	11 Denoising auto encoder          denoising.go, denoising_use.go            11_denoising.ipynb
//	11 (checks): score, best denoiser  gaussian_mixture.go                       11_denoising.ipynb
//	11 (checks): linear cases          denoising_linear.go                       11_denoising.ipynb
//	12 Variational auto encoder        vae.go, vae_bound.go, linear_gaussian.go  12_vae.ipynb
//	12 (checks): many codes, collapse  vae_loss.go, vae_start.go, vae_collapse.go 12_vae.ipynb
//	13 (continued): two braces         likelihood.go, vae_loss.go                12_vae.ipynb
//	13 (checks): parts of the KL term  vae_kl_terms.go, vae_kl_parts.go
//	13 (continued): the trick, SGD     reparameterization.go, fit.go             12_vae.ipynb
//	13 (continued): similar objects    vae_use.go, latent.go                     12_vae.ipynb
//	13a Autoencoders, supervised       autoencoder.go, autoencoder_gradients.go  09_autoencoders.ipynb
//	14 Multi-task learning             multi_task.go, multi_task_loss.go         14_multi_task.ipynb
//	14 (checks): learning to learn     multi_task_study.go, ridge.go             14_multi_task.ipynb
//	14 (checks): conflicts, balance    multi_task_conflict.go, multi_task_balance.go 14_multi_task.ipynb
//	15–17 Transfer, cut, fine-tune     transfer.go, transfer_ways.go             15_transfer.ipynb
//	18 Domain shift, importance        domain_shift.go, domain_shift_fit.go      18_domain_shift.ipynb
//	18 (checks): a classifier, probes  classifier.go, classifier_probe.go        18_domain_shift.ipynb, 20_pretext.ipynb
//	19 Few-shot: episodes, prototypes  few_shot.go, few_shot_prototype.go        19_few_shot.ipynb
//	19 Few-shot: MAML, Reptile, tuning few_shot_meta.go, few_shot_tune.go        19_few_shot.ipynb
//	20 Pretext task: turns             pretext.go                                20_pretext.ipynb
//	21–24 GAN: criterion, D*, training gan_theory.go, gan_loss.go                21_gan_theory.ipynb
//	21–29 GAN: nets, clipping, penalty gan.go, gan_nets.go, gan_use.go           22_gan_training.ipynb
//	25 (checks): what goes wrong       gan_doctor.go                             22_gan_training.ipynb
//	25, 29, 31 images, walks, styles   gan_nets.go, gan_use.go, latent.go        25_gan_images.ipynb
//	26, 28 least squares, Wasserstein  gan_theory.go, gan_loss.go                28_wasserstein.ipynb
//	30 How to judge a generator        gan_judge.go, gan_judge_report.go         30_judging.ipynb
//	30 (checks): neighbours, a map     gan_judge_neighbours.go                   30_judging.ipynb
//	30 (checks): the kernel distance   gan_judge_kernel.go
//
// # Conventions
//
// A function with *Node in its signature builds a graph and panics on wrong shapes. Every other exported function
// returns an error that names the field or the argument, its value and the requirement. Randomness comes from seeds or
// arguments. A model does not depend on its caller: [Training] reports progress through a function value, stops at a
// step boundary when its context ends, and is saved and restored in parts. A trained model is stored in a file
// (model_file.go, som_file.go). [LoadVAE] and similar functions rebuild it without its data, and package
// lecture11/onnx exports its networks to other programs. The data sets are in package lecture11/data.
//
// # Goroutines
//
// A model may be used from several goroutines, also while it trains in one of them. A method waits until the
// training's current call of the device returns. It sees the weights after some step, and they do not change during
// the method. A function that a training reports to may also use the model. Only one training of a model runs at a
// time; meanwhile Restore, Load, SetWeights, StartFrom and a second Run return an error. A training that was
// interrupted by another one does not continue from the other's weights. All this holds for a [SOM] and its
// [SOMTraining], too. While a [GANDoctor] watches a training, other goroutines may read what it has found so far. The
// functions that a configuration holds, such as a [Schedule], must not use the model. A tensor may be passed to
// several calls at once, and the caller must keep it until they return. A nil or finalized tensor is an error.
//
// # Trainings and their inputs
//
// The key of a training contains hashes of the tensors that it reads, held-out objects included. The caller must leave
// their contents unchanged from the call of Training until Run returns. Before the first step Run hashes them again,
// and returns an error that names a changed one. Custom networks and distances are identified by the graphs that they
// build, not by their IDs alone; they must build the same graph each time.
package lecture11
