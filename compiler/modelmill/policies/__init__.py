"""What a repository demands of everything it deploys: its own policies, and rules of its own.

In: objects, of a model in an environment or anyone's, and the policies that hold there. Out:
findings. Which policies hold where is data of the repository; what keeps one is said here.
"""
