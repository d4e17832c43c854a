"""The GAN family: generators, discriminators, and the task that lets them play."""
